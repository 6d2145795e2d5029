"""CrewAI at work. It is imported in functions: pytest reads this file, too."""

import asyncio
import os
from typing import Any

import muniment
from tests.adapters.programs.scenes import Scenes
from tests.support.scripted_model import Answer, Call, ScriptedModel

scenes = Scenes()
ASK = "what is the sum?"
TWO = Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"), Call("add", {"a": 3, "b": 4}, "call_b")))


def llm(model: ScriptedModel, **more: Any) -> Any:
    from crewai import LLM

    return LLM(model="openai/asked-for", base_url=model.openai, api_key="k", max_retries=0, **more)


def agent(model: ScriptedModel, *tools: Any, role: str = "calculator", **more: Any) -> Any:
    from crewai import Agent

    streamed = {"stream": True} if more.pop("stream", False) else {}
    told = {"goal": "sums", "backstory": "It calculates.", "max_retry_limit": 0}
    return Agent(role=role, llm=llm(model, **streamed), tools=list(tools), **told, **more)


def crew(*agents: Any, **more: Any) -> Any:
    from crewai import Crew, Task

    task = Task(description=ASK, expected_output="a number", agent=agents[0], name="sum")
    return Crew(name="sums", agents=list(agents), tasks=[task], **more)


def add() -> Any:
    from crewai.tools import tool

    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        muniment.record("x.inside", payload={"sum": a + b})
        return a + b

    return add


def boom() -> Any:
    from crewai.tools import tool

    @tool
    def boom(a: int) -> int:
        """Fail."""
        raise ValueError("no such number")

    return boom


def installed() -> Any:
    from muniment.agent.adapters.crewai import install

    return install(contents="WITHOUT" not in os.environ, mode=os.environ.get("MODE", "async"))  # type: ignore[arg-type]


@scenes.scene()
def switched_on(model: ScriptedModel) -> bool:
    return installed() is installed()


@scenes.scene(TWO, Answer("three and seven"))
def parallel_tools(model: ScriptedModel) -> str:
    with muniment.intent("x.task"):
        return str(crew(agent(model, add())).kickoff().raw)


@scenes.scene(TWO, Answer("three and seven"))
async def asynchronous_and_streamed(model: ScriptedModel) -> str:
    return str((await crew(agent(model, add(), stream=True)).akickoff()).raw)


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)), Answer("it failed"))
def failing_tool(model: ScriptedModel) -> str:
    return str(crew(agent(model, boom())).kickoff().raw)


DELEGATE = {"task": "look into sums", "context": "none", "coworker": "researcher"}


@scenes.scene(
    Answer(calls=(Call("delegate_work_to_coworker", DELEGATE, "call_d"),), when=ASK),
    Answer("found three", when="You are researcher"),
    Answer("three, says the researcher"),
)
def delegation(model: ScriptedModel) -> str:
    supervisor = agent(model, role="supervisor", allow_delegation=True)
    return str(crew(supervisor, agent(model, role="researcher")).kickoff().raw)


@scenes.scene(Answer("overloaded", status=400, repeat=True))
def failing_model(model: ScriptedModel) -> str:
    return str(crew(agent(model)).kickoff().raw)


@scenes.scene(Answer("three"))
def flow(model: ScriptedModel) -> str:
    from crewai.flow.flow import Flow, start

    class Sums(Flow):  # type: ignore[type-arg,misc]
        # A memory of its own would bring a database.
        _skip_auto_memory = True

        @start()
        def begin(self) -> str:
            return str(crew(agent(model)).kickoff().raw)

    return str(Sums().kickoff())


@scenes.scene(Answer(hold=True))
async def cancelled_model(model: ScriptedModel) -> None:
    task = asyncio.create_task(crew(agent(model)).akickoff())
    await asyncio.to_thread(model.asked.wait, 60)
    task.cancel()
    try:
        await task
    finally:
        # The thread that waits for the model is not cancelled with the crew, and speaks up now.
        model.close()


if __name__ == "__main__":
    scenes.play()
