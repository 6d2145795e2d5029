"""The OpenAI Agents SDK at work. It is imported in functions: pytest reads this file, too."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import muniment
from tests.adapters.programs.scenes import Scenes
from tests.support.scripted_model import Answer, Call, ScriptedModel

scenes = Scenes()
ASK = "what is the sum?"
TWO = Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"), Call("add", {"a": 3, "b": 4}, "call_b")))


def model_of(model: ScriptedModel, chat: bool = False) -> Any:
    from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel
    from openai import AsyncOpenAI

    kind = OpenAIChatCompletionsModel if chat else OpenAIResponsesModel
    return kind(model="asked-for", openai_client=AsyncOpenAI(base_url=model.openai, api_key="k", max_retries=0))


def agent(model: ScriptedModel, *tools: Any, name: str = "calculator", chat: bool = False, **more: Any) -> Any:
    from agents import Agent

    return Agent(name=name, model=model_of(model, chat), tools=list(tools), **more)


def add() -> Any:
    from agents import function_tool

    @function_tool
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        # The call that began first ends last.
        await asyncio.sleep(0 if a == 3 else 0.05)
        muniment.record("x.inside", payload={"sum": a + b})
        return a + b

    return add


def boom(**options: Any) -> Any:
    from agents import function_tool

    @function_tool(**options)
    def boom(a: int) -> int:
        """Fail."""
        raise ValueError("no such number")

    return boom


async def run(of: Any, ask: str = ASK, **more: Any) -> str:
    from agents import Runner

    return str((await Runner.run(of, ask, **more)).final_output)


@scenes.scene()
def switched_on_without_contents(model: ScriptedModel) -> None:
    from agents import set_trace_processors

    from muniment.agent.adapters.openai_agents import MunimentProcessor

    set_trace_processors([MunimentProcessor(contents=False)])


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}),)), Answer("it failed"))
async def without_contents(model: ScriptedModel) -> str:
    return await run(agent(model, boom()))


@scenes.scene()
def switched_on(model: ScriptedModel) -> bool:
    from agents import set_trace_processors

    from muniment.agent.adapters.openai_agents import install

    # The SDK's own processor would try to reach OpenAI.
    set_trace_processors([])
    return install() is install(contents=False)


@scenes.scene(TWO, Answer("three and seven"))
async def parallel_tools(model: ScriptedModel) -> str:
    return await run(agent(model, add()))


@scenes.scene(TWO, Answer("three and seven"))
async def chat_completions(model: ScriptedModel) -> str:
    return await run(agent(model, add(), chat=True))


@scenes.scene(TWO, Answer("three and seven"))
async def streamed(model: ScriptedModel) -> str:
    from agents import Runner

    result = Runner.run_streamed(agent(model, add()), ASK)
    async for _ in result.stream_events():
        pass
    return str(result.final_output)


@scenes.scene(TWO, Answer("three and seven"))
async def chat_streamed(model: ScriptedModel) -> str:
    from agents import Runner

    result = Runner.run_streamed(agent(model, add(), chat=True), ASK)
    async for _ in result.stream_events():
        pass
    return str(result.final_output)


@scenes.scene(TWO, Answer("three and seven"))
def from_ordinary_code(model: ScriptedModel) -> str:
    from agents import Runner

    with muniment.intent("x.task"):
        return str(Runner.run_sync(agent(model, add()), ASK).final_output)


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)), Answer("it failed"))
async def tool_that_tells_its_error(model: ScriptedModel) -> str:
    return await run(agent(model, boom()))


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)))
async def failing_tool(model: ScriptedModel) -> str:
    return await run(agent(model, boom(failure_error_function=None)))


@scenes.scene(Answer(calls=(Call("transfer_to_writer"),)), Answer("written"))
async def handoff(model: ScriptedModel) -> str:
    return await run(agent(model, name="planner", handoffs=[agent(model, name="writer")]))


@scenes.scene(
    Answer(calls=(Call("research", {"input": "look into sums"}),), when=ASK),
    Answer(calls=(Call("add", {"a": 1, "b": 2}),), when="look into sums"),
    Answer("found three", when="look into sums"),
    Answer("three, says the researcher"),
)
async def agent_as_tool(model: ScriptedModel) -> str:
    researcher = agent(model, add(), name="researcher")
    return await run(agent(model, researcher.as_tool("research", "looks into it"), name="supervisor"))


@scenes.scene(TWO, Answer("three and seven"))
async def without_sensitive_data(model: ScriptedModel) -> str:
    from agents import RunConfig

    return await run(agent(model, add()), run_config=RunConfig(trace_include_sensitive_data=False))


DOUBLE = Answer(calls=(Call("double", {"a": 2}, "call_mcp"), Call("double", {"a": -2}, "call_wrong")))


async def with_an_mcp_server(model: ScriptedModel) -> str:
    from agents.mcp import MCPServerStdio

    command = {"command": sys.executable, "args": ["-m", "tests.adapters.programs.doubling_server"]}
    started = MCPServerStdio({**command, "cwd": Path.cwd()}, client_session_timeout_seconds=60)
    async with started as server:
        return await run(agent(model, mcp_servers=[server]))


@scenes.scene(DOUBLE, Answer("four"))
async def tool_of_an_mcp_server(model: ScriptedModel) -> str:
    return await with_an_mcp_server(model)


@scenes.scene(Answer(hold=True))
async def cancelled_model(model: ScriptedModel) -> None:
    task = asyncio.create_task(run(agent(model)))
    await asyncio.to_thread(model.asked.wait, 30)
    task.cancel()
    await task


@scenes.scene(Answer(calls=(Call("forever", {}),)))
async def cancelled_tool(model: ScriptedModel) -> None:
    from agents import function_tool

    begun = asyncio.Event()

    @function_tool
    async def forever() -> str:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(run(agent(model, forever)))
    await begun.wait()
    task.cancel()
    await task


@scenes.scene(Answer("overloaded", status=500))
async def failing_model(model: ScriptedModel) -> str:
    return await run(agent(model))


@scenes.scene(Answer("overloaded", status=500))
async def started_while_an_error_is_handled(model: ScriptedModel) -> str:
    try:
        return await run(agent(model))
    except Exception:
        model.script(Answer("all is well"))
        return await run(agent(model, name="second"))


@scenes.scene(Answer("words"))
async def guardrail(model: ScriptedModel) -> str:
    from agents import GuardrailFunctionOutput, InputGuardrail

    def never(*_: Any) -> Any:
        return GuardrailFunctionOutput(output_info="no", tripwire_triggered=True)

    return await run(agent(model, input_guardrails=[InputGuardrail(never, name="never", run_in_parallel=False)]))


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)), Answer("as you wish"))
async def rejected_tool(model: ScriptedModel) -> str:
    from agents import Runner

    first = await Runner.run(agent(model, boom(needs_approval=True)), ASK)
    state = first.to_state()
    state.reject(first.interruptions[0])
    return str((await Runner.run(first.last_agent, state)).final_output)


@scenes.scene(Answer(calls=(Call("add", {"a": 1, "b": 2}),)), Answer("it did not run"))
async def gate_by_decorator(model: ScriptedModel) -> str:
    from agents import function_tool

    @function_tool
    @muniment.recorded(mode="gate")
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        muniment.record("x.inside")
        return a + b

    return await run(agent(model, add))


if __name__ == "__main__":
    scenes.play()
