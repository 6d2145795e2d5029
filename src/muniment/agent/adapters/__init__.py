"""Frameworks' own hooks, turned into events. One module for each framework, all of one shape:

* `install()` switches the recording on for the whole process, once; calling it again changes nothing. It returns the
  observer that it registered with the framework.
* the observer itself, in the framework's own kind (`MunimentCallback` of LangChain, `MunimentProcessor` of the OpenAI
  Agents SDK, `MunimentCapability` of Pydantic AI ...), for programs that want to place it by hand.

    from muniment.agent.adapters.langchain import install

    install()

A framework is imported only in its own module, never here. Each module maps the framework's callbacks to calls of
`run.Runs`, which knows what causes what, and keeps every error of ours away from the framework.
"""
