"""Pydantic AI at work. It is imported in functions: pytest reads this file, too."""

import asyncio
from typing import Any

import muniment
from tests.adapters.programs.scenes import Scenes
from tests.support.scripted_model import Answer, Call, ScriptedModel

scenes = Scenes()
ASK = "what is the sum?"
TWO = Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_a"), Call("add", {"a": 3, "b": 4}, "call_b")))
ONE = Answer(calls=(Call("add", {"a": 1, "b": 2}, "call_one"),))
before: list[Any] = []


def model_of(model: ScriptedModel, responses: bool = False) -> Any:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(base_url=model.openai, api_key="k", max_retries=0)
    return (OpenAIResponsesModel if responses else OpenAIChatModel)(
        "asked-for", provider=OpenAIProvider(openai_client=client)
    )


def agent(model: ScriptedModel, *tools: Any, name: str = "calculator", responses: bool = False, **more: Any) -> Any:
    from pydantic_ai import Agent

    return Agent(model_of(model, responses), name=name, tools=list(tools), **more)


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    # The call that began first ends last.
    await asyncio.sleep(0 if a == 3 else 0.05)
    muniment.record("x.inside", payload={"sum": a + b})
    return a + b


def boom(a: int) -> int:
    """Fail."""
    raise ValueError("no such number")


@scenes.scene(ONE, Answer("three"))
async def without_contents(model: ScriptedModel) -> str:
    from muniment.agent.adapters.pydantic_ai import MunimentCapability

    return (await agent(model, add, capabilities=[MunimentCapability(contents=False)]).run(ASK)).output


@scenes.scene(ONE, Answer("three"))
async def gate_without_a_shipper(model: ScriptedModel) -> str:
    from muniment.agent.adapters.pydantic_ai import MunimentCapability

    return (await agent(model, add, capabilities=[MunimentCapability(mode="gate")]).run(ASK)).output


@scenes.scene()
def switched_on(model: ScriptedModel) -> bool:
    from muniment.agent.adapters.pydantic_ai import install

    before.append(agent(model, add, name="early"))
    return install() is install(contents=False)


@scenes.scene(ONE, Answer("three"))
async def agent_from_before(model: ScriptedModel) -> str:
    return (await before[0].run(ASK, model=model_of(model))).output


@scenes.scene(ONE, Answer("three"))
async def switched_on_twice(model: ScriptedModel) -> str:
    from muniment.agent.adapters.pydantic_ai import MunimentCapability

    return (await agent(model, add, capabilities=[MunimentCapability()]).run(ASK)).output


@scenes.scene(TWO, Answer("three and seven"))
async def parallel_tools(model: ScriptedModel) -> str:
    return (await agent(model, add).run(ASK)).output


@scenes.scene(TWO, Answer("three and seven"))
async def responses(model: ScriptedModel) -> str:
    return (await agent(model, add, responses=True).run(ASK)).output


@scenes.scene(TWO, Answer("three and seven"))
async def streamed(model: ScriptedModel) -> str:
    async with agent(model, add).run_stream(ASK) as result:
        return str(await result.get_output())


@scenes.scene(TWO, Answer("three and seven"))
def from_ordinary_code(model: ScriptedModel) -> str:
    with muniment.intent("x.task"):
        return str(agent(model, add).run_sync(ASK).output)


@scenes.scene(TWO, Answer("three and seven"))
async def driven_node_by_node(model: ScriptedModel) -> str:
    async with agent(model, add).iter(ASK) as run:
        async for _ in run:
            pass
    return str(run.result.output)


@scenes.scene(Answer(calls=(Call("boom", {"a": 1}, "call_boom"),)))
async def failing_tool(model: ScriptedModel) -> str:
    return (await agent(model, boom).run(ASK)).output


@scenes.scene(
    Answer(calls=(Call("again", {"a": 1}, "call_1"),)),
    Answer(calls=(Call("again", {"a": 2}, "call_2"),)),
    Answer("two"),
)
async def retried_tool(model: ScriptedModel) -> str:
    from pydantic_ai import ModelRetry

    def again(a: int) -> int:
        """Wants two."""
        if a == 1:
            raise ModelRetry("more")
        return a

    return (await agent(model, again).run(ASK)).output


@scenes.scene(Answer(calls=(Call("add", {"a": "many"}, "call_1"),)), Answer("never mind"))
async def arguments_that_do_not_fit(model: ScriptedModel) -> str:
    return (await agent(model, add).run(ASK)).output


@scenes.scene(
    Answer(calls=(Call("research", {"topic": "sums"}),), when=ASK),
    Answer(calls=(Call("add", {"a": 1, "b": 2}),), when="look into sums"),
    Answer("found three", when="look into sums"),
    Answer("three, says the researcher"),
)
async def agent_as_tool(model: ScriptedModel) -> str:
    researcher = agent(model, add, name="researcher")

    async def research(topic: str) -> str:
        """Let the researcher look into it."""
        return str((await researcher.run(f"look into {topic}")).output)

    return (await agent(model, research, name="supervisor").run(ASK)).output


@scenes.scene(ONE, Answer("three"))
async def tool_of_a_toolset(model: ScriptedModel) -> str:
    from pydantic_ai.toolsets import FunctionToolset

    return (await agent(model, toolsets=[FunctionToolset([add])]).run(ASK)).output


@scenes.scene(Answer(hold=True))
async def cancelled_model(model: ScriptedModel) -> None:
    task = asyncio.create_task(agent(model).run(ASK))
    await asyncio.to_thread(model.asked.wait, 30)
    task.cancel()
    await task


@scenes.scene(Answer(calls=(Call("forever", {}),)))
async def cancelled_tool(model: ScriptedModel) -> None:
    begun = asyncio.Event()

    async def forever() -> str:
        """Never end."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(agent(model, forever).run(ASK))
    await begun.wait()
    task.cancel()
    await task


@scenes.scene(Answer("overloaded", status=500))
async def failing_model(model: ScriptedModel) -> str:
    return (await agent(model).run(ASK)).output


@scenes.scene(Answer("overloaded", status=500), Answer("at last"))
async def another_model_after_a_failure(model: ScriptedModel) -> str:
    from pydantic_ai.models.fallback import FallbackModel

    of = agent(model)
    return (await of.run(ASK, model=FallbackModel(model_of(model), model_of(model)))).output


@scenes.scene(Answer("words that are cut off here", cut=True))
async def cut_stream(model: ScriptedModel) -> str:
    async with agent(model).run_stream(ASK) as result:
        return str(await result.get_output())


async def asked_a_human(model: ScriptedModel, allowed: bool) -> str:
    from pydantic_ai import DeferredToolRequests, DeferredToolResults, Tool, ToolDenied

    def dangerous(a: int) -> int:
        """Needs a human."""
        muniment.record("x.inside")
        return a

    of = agent(model, Tool(dangerous, requires_approval=True), output_type=[str, DeferredToolRequests])
    first = await of.run(ASK)
    said = True if allowed else ToolDenied("not today")
    results = DeferredToolResults(approvals={call.tool_call_id: said for call in first.output.approvals})
    return str((await of.run(message_history=first.all_messages(), deferred_tool_results=results)).output)


@scenes.scene(Answer(calls=(Call("dangerous", {"a": 1}, "call_d"),)), Answer("done"))
async def approved_tool(model: ScriptedModel) -> str:
    return await asked_a_human(model, allowed=True)


@scenes.scene(Answer(calls=(Call("dangerous", {"a": 1}, "call_d"),)), Answer("as you wish"))
async def denied_tool(model: ScriptedModel) -> str:
    return await asked_a_human(model, allowed=False)


if __name__ == "__main__":
    scenes.play()
