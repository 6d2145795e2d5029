"""A LangChain agent whose tool starts a Pydantic AI agent in another process, in another environment."""

import os
import subprocess
import sys

import muniment
from tests.support.scripted_model import Answer, Call, ScriptedModel


def supervisor(helper_python: str) -> None:
    from langchain_core.tools import tool

    from muniment.agent.adapters.langchain import install
    from tests.adapters.programs.langchain_scenes import agent, last

    install()
    with ScriptedModel(
        Answer(calls=(Call("delegate", {"task": "look into sums"}),), when="what is the sum?"),
        Answer(calls=(Call("boom", {"a": 1}),), when="look into sums"),
        Answer("the helper found three"),
    ) as model:

        @tool
        def delegate(task: str) -> str:
            """Let the helper do it."""
            command = [helper_python, "-m", "tests.adapters.programs.two_processes", "helper", model.openai, task]
            environ = {**os.environ, **muniment.handover(), "MUNIMENT_AGENT": "helper-02"}
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
            return done.stdout.strip() or "the helper failed"

        question = {"messages": [("user", "what is the sum?")]}
        print(last(agent(model, delegate, name="supervisor").invoke(question)))


def helper(base_url: str, task: str) -> None:
    from openai import AsyncOpenAI
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from muniment.agent.adapters.pydantic_ai import install
    from tests.adapters.programs.pydantic_ai_scenes import boom

    install()
    client = AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0)
    model = OpenAIChatModel("asked-for", provider=OpenAIProvider(openai_client=client))
    print(Agent(model, name="helper", tools=[boom]).run_sync(task).output)


if __name__ == "__main__":
    {"supervisor": supervisor, "helper": helper}[sys.argv[1]](*sys.argv[2:])
