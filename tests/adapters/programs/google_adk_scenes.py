"""Google ADK at work. It is imported in functions: pytest reads this file, too."""

import asyncio
import os
from typing import Any

import muniment
from tests.adapters.programs.scenes import Scenes
from tests.support.scripted_model import Answer, Call, ScriptedModel

scenes = Scenes()
ASK = "what is the sum?"
TWO = Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"), Call("add", {"a": 3, "b": 4}, "call_b")))


def agent(model: ScriptedModel, *tools: Any, name: str = "calculator", **more: Any) -> Any:
    from google.adk.agents import LlmAgent
    from google.adk.models.google_llm import Gemini

    os.environ["GOOGLE_API_KEY"] = "scripted"
    asked = Gemini(model="gemini-asked-for", base_url=model.gemini)
    return LlmAgent(name=name, model=asked, instruction="You calculate.", tools=list(tools), **more)


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    # The call that began first ends last.
    await asyncio.sleep(0 if a == 3 else 0.05)
    muniment.record("x.inside", payload={"sum": a + b})
    return a + b


def boom(a: int) -> int:
    """Fail."""
    raise ValueError("no such number")


async def run(of: Any, *plugins: Any, streamed: bool = False) -> str:
    from google.adk.agents.run_config import RunConfig, StreamingMode
    from google.adk.apps import App
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    runner = InMemoryRunner(app=App(name="scenes", root_agent=of, plugins=list(plugins)))
    session = await runner.session_service.create_session(app_name="scenes", user_id="u")
    said = []
    async for event in runner.run_async(
        user_id="u",
        session_id=session.id,
        new_message=types.Content(role="user", parts=[types.Part(text=ASK)]),
        run_config=RunConfig(streaming_mode=StreamingMode.SSE if streamed else StreamingMode.NONE),
    ):
        if event.content and not event.partial:
            said += [part.text for part in event.content.parts or () if part.text]
    return said[-1] if said else ""


@scenes.scene(Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"),)), Answer("three"))
async def without_contents(model: ScriptedModel) -> str:
    from muniment.agent.adapters.google_adk import MunimentPlugin

    return await run(agent(model, add), MunimentPlugin(contents=False))


@scenes.scene(Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"),)), Answer("it did not run"))
async def gate_without_a_shipper(model: ScriptedModel) -> str:
    from muniment.agent.adapters.google_adk import MunimentPlugin

    return await run(agent(model, add), MunimentPlugin(mode="gate"))


@scenes.scene(Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"),)), Answer("three"))
async def durable(model: ScriptedModel) -> str:
    from muniment.agent.adapters.google_adk import MunimentPlugin

    return await run(agent(model, add), MunimentPlugin(mode="durable"))


@scenes.scene()
def switched_on(model: ScriptedModel) -> bool:
    from muniment.agent.adapters.google_adk import install

    return install() is install(contents=False)


@scenes.scene(TWO, Answer("three and seven"))
async def parallel_tools(model: ScriptedModel) -> str:
    async with muniment.intent("x.task"):
        return await run(agent(model, add))


@scenes.scene(TWO, Answer("three and seven"))
async def streamed(model: ScriptedModel) -> str:
    return await run(agent(model, add), streamed=True)


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)))
async def failing_tool(model: ScriptedModel) -> str:
    return await run(agent(model, boom))


@scenes.scene(Answer(calls=(Call("transfer_to_agent", {"agent_name": "writer"}, "call_t"),)), Answer("written"))
async def handoff(model: ScriptedModel) -> str:
    return await run(agent(model, name="planner", sub_agents=[agent(model, name="writer")]))


@scenes.scene(
    Answer(calls=(Call("researcher", {"request": "look into sums"}, "call_r"),), when=ASK),
    Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"),), when="look into sums"),
    Answer("found three", when="look into sums"),
    Answer("three, says the researcher"),
)
async def agent_as_tool(model: ScriptedModel) -> str:
    from google.adk.tools.agent_tool import AgentTool

    return await run(agent(model, AgentTool(agent(model, add, name="researcher")), name="supervisor"))


@scenes.scene(Answer("one", repeat=True))
async def parallel_agents(model: ScriptedModel) -> str:
    from google.adk.agents import ParallelAgent

    return await run(ParallelAgent(name="both", sub_agents=[agent(model, name="left"), agent(model, name="right")]))


@scenes.scene(Answer(hold=True))
async def cancelled_model(model: ScriptedModel) -> None:
    task = asyncio.create_task(run(agent(model)))
    await asyncio.to_thread(model.asked.wait, 30)
    task.cancel()
    await task


@scenes.scene(Answer(calls=(Call("forever", {}, "call_f"),)))
async def cancelled_tool(model: ScriptedModel) -> None:
    begun = asyncio.Event()

    async def forever() -> str:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(run(agent(model, forever)))
    await begun.wait()
    task.cancel()
    await task


@scenes.scene(Answer("overloaded", status=400))
async def failing_model(model: ScriptedModel) -> str:
    return await run(agent(model))


@scenes.scene()
async def callbacks_of_another_release(model: ScriptedModel) -> list[object]:
    from muniment.agent.adapters.google_adk import MunimentPlugin

    plugin, odd = MunimentPlugin(), object()
    return [
        await plugin.before_agent_callback(agent=odd, callback_context=odd),
        await plugin.before_model_callback(callback_context=odd, llm_request=odd),
        await plugin.after_model_callback(callback_context=odd, llm_response=odd),
        await plugin.before_tool_callback(tool=odd, tool_args={}, tool_context=odd),
        await plugin.after_tool_callback(tool=odd, tool_args={}, tool_context=odd, result=odd),
    ]


if __name__ == "__main__":
    scenes.play()
