"""LangChain and LangGraph at work. What is imported of them is imported in functions: pytest reads this file, too."""

import asyncio
import operator
from typing import Annotated, Any

import muniment
from tests.adapters.programs.scenes import Scenes
from tests.support.scripted_model import Answer, Call, ScriptedModel

scenes = Scenes()
ASK = {"messages": [("user", "what is the sum?")]}
TWO = Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"), Call("add", {"a": 3, "b": 4}, "call_b")))


def chat(model: ScriptedModel, **options: Any) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="asked-for", base_url=model.openai, max_retries=0, **options)


def agent(model: ScriptedModel, *tools: Any, name: str = "calculator", **options: Any) -> Any:
    from langchain.agents import create_agent

    return create_agent(chat(model, **options), list(tools), name=name)


def add() -> Any:
    from langchain_core.tools import tool

    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        muniment.record("x.inside", payload={"sum": a + b})
        return a + b

    return add


def boom() -> Any:
    from langchain_core.tools import tool

    @tool
    def boom(a: int) -> int:
        """Fail."""
        raise ValueError("no such number")

    return boom


def last(result: Any) -> str:
    return str(result["messages"][-1].content)


@scenes.scene(Answer(calls=(Call("add", {"a": 1, "b": 2}),)), Answer("three"))
def without_contents(model: ScriptedModel) -> str:
    from muniment.agent.adapters.langchain import MunimentCallback

    return last(agent(model, add()).invoke(ASK, {"callbacks": [MunimentCallback(contents=False)]}))


@scenes.scene(Answer(calls=(Call("add", {"a": 1, "b": 2}),)), Answer("three"))
def gate_without_a_shipper(model: ScriptedModel) -> str:
    from muniment.agent.adapters.langchain import MunimentCallback

    return last(agent(model, add()).invoke(ASK, {"callbacks": [MunimentCallback(mode="gate")]}))


@scenes.scene()
def switched_on(model: ScriptedModel) -> bool:
    from muniment.agent.adapters.langchain import install

    return install() is install(contents=False)


@scenes.scene(TWO, Answer("three and seven"))
def parallel_tools(model: ScriptedModel) -> str:
    return last(agent(model, add()).invoke(ASK))


@scenes.scene(TWO, Answer("three and seven"))
async def asynchronous_and_streamed(model: ScriptedModel) -> str:
    parts = []
    async for message, _ in agent(model, add(), streaming=True, stream_usage=True).astream(ASK, stream_mode="messages"):
        parts.append(message.text if message.type == "AIMessageChunk" else "")
    return "".join(parts)


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)))
def failing_tool(model: ScriptedModel) -> None:
    agent(model, boom()).invoke(ASK)


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)), Answer("it failed"))
def tool_that_tells_its_error(model: ScriptedModel) -> str:
    from langchain_core.tools import ToolException, tool

    @tool
    def boom(a: int) -> int:
        """Fail politely."""
        raise ToolException("no such number")

    boom.handle_tool_error = True
    return last(agent(model, boom).invoke(ASK))


@scenes.scene(
    Answer(calls=(Call("research", {"topic": "sums"}),), when="what is the sum?"),
    Answer(calls=(Call("add", {"a": 1, "b": 2}),), when="look into sums"),
    Answer("found three", when="look into sums"),
    Answer("three, says the researcher"),
)
def agent_as_tool(model: ScriptedModel) -> str:
    from langchain_core.tools import tool

    researcher = agent(model, add(), name="researcher")

    @tool
    def research(topic: str) -> str:
        """Let the researcher look into it."""
        return last(researcher.invoke({"messages": [("user", f"look into {topic}")]}))

    return last(agent(model, research, name="supervisor").invoke(ASK))


@scenes.scene(Answer(calls=(Call("to_writer", {}),)), Answer("written"))
def handoff(model: ScriptedModel) -> str:
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import InjectedToolCallId, tool
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.types import Command

    @tool
    def to_writer(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command:  # type: ignore[type-arg]
        """Hand over to the writer."""
        told = ToolMessage("handed over", tool_call_id=tool_call_id)
        return Command(goto="writer", graph=Command.PARENT, update={"messages": [told]})

    graph = StateGraph(MessagesState)
    graph.add_node("planner", agent(model, to_writer, name="planner"), destinations=("writer",))
    graph.add_node("writer", agent(model, name="writer"))
    graph.add_edge(START, "planner")
    return last(graph.compile().invoke(ASK))


@scenes.scene(
    Answer(calls=(Call("add", {"a": 1, "b": 2}),), when="the first"),
    Answer(calls=(Call("add", {"a": 3, "b": 4}),), when="the second"),
    Answer("done one", when="the first"),
    Answer("done two", when="the second"),
)
def batch(model: ScriptedModel) -> list[str]:
    with muniment.intent("x.task"):
        of = agent(model, add())
        return [last(each) for each in of.batch([{"messages": [("user", ask)]} for ask in ("the first", "the second")])]


@scenes.scene(Answer(hold=True))
async def cancelled_model(model: ScriptedModel) -> None:
    task = asyncio.create_task(agent(model, add()).ainvoke(ASK))
    await asyncio.to_thread(model.asked.wait, 30)
    task.cancel()
    await task


@scenes.scene(Answer(calls=(Call("forever", {}),)))
async def cancelled_tool(model: ScriptedModel) -> None:
    from langchain_core.tools import tool

    begun = asyncio.Event()

    @tool
    async def forever() -> str:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(agent(model, forever).ainvoke(ASK))
    await begun.wait()
    task.cancel()
    await task


@scenes.scene(Answer("overloaded", status=500), Answer("at last"))
def retried_model(model: ScriptedModel) -> str:
    return str(chat(model).with_retry(stop_after_attempt=2, wait_exponential_jitter=False).invoke("hello").content)


@scenes.scene(Answer("words that are cut off here", cut=True))
def cut_stream(model: ScriptedModel) -> str:
    return "".join(str(chunk.content) for chunk in chat(model).stream("hello"))


@scenes.scene()
def interrupted_for_a_human(model: ScriptedModel) -> str:
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, StateGraph
    from langgraph.types import Command, interrupt
    from typing_extensions import TypedDict

    class Said(TypedDict):
        words: Annotated[list[str], operator.add]

    def ask(state: Any) -> Any:
        return {"words": [interrupt("may I?")]}

    graph = StateGraph(Said)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    compiled = graph.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "thread-1"}}
    compiled.invoke({"words": []}, thread)
    return str(compiled.invoke(Command(resume="you may"), thread)["words"])


@scenes.scene()
def retriever(model: ScriptedModel) -> list[str]:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Any]:
            return [Document(f"about {query}")]

    return [document.page_content for document in Shelf().invoke("sums")]


@scenes.scene()
def callbacks_of_another_release(model: ScriptedModel) -> list[object]:
    from uuid import uuid4

    from muniment.agent.adapters.langchain import MunimentCallback

    handler, run = MunimentCallback(), uuid4()
    odd = object()
    return [
        handler.on_chain_start({}, odd, run_id=run, metadata=odd),
        handler.on_chat_model_start({}, odd, run_id=run),
        handler.on_llm_end(odd, run_id=run),
        handler.on_tool_start(odd, "", run_id=run),
    ]


if __name__ == "__main__":
    scenes.play()
