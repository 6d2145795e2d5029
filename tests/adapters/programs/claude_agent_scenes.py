"""The Claude Agent SDK and the Claude Code that it brings. It is imported in functions: pytest reads this file, too."""

import asyncio
import os
import tempfile
from typing import Any

import muniment
from tests.adapters.programs.scenes import Scenes
from tests.support.scripted_model import Answer, Call, ScriptedModel

scenes = Scenes()
ASK = "what is the sum?"
TWO = Answer(
    calls=(Call("mcp__calc__add", {"a": 1, "b": 2}, "toolu_a"), Call("mcp__calc__add", {"a": 3, "b": 4}, "toolu_b"))
)
FAIL = Answer(calls=(Call("mcp__calc__boom", {"a": 1}, "toolu_c"), Call("Bash", {"command": "exit 3"}, "toolu_d")))


def server(begun: asyncio.Event | None = None) -> Any:
    from claude_agent_sdk import create_sdk_mcp_server, tool

    @tool("add", "Add two numbers.", {"a": int, "b": int})
    async def add(arguments: dict[str, Any]) -> dict[str, Any]:
        total = arguments["a"] + arguments["b"]
        muniment.record("x.inside", payload={"sum": total})
        return {"content": [{"type": "text", "text": str(total)}]}

    @tool("boom", "Fail.", {"a": int})
    async def boom(arguments: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("no such number")

    @tool("forever", "Never end.", {})
    async def forever(arguments: dict[str, Any]) -> dict[str, Any]:
        if begun is not None:
            begun.set()
        await asyncio.Event().wait()
        return {}

    return create_sdk_mcp_server("calc", tools=[add, boom, forever])


def options(model: ScriptedModel, begun: asyncio.Event | None = None, **more: Any) -> Any:
    from claude_agent_sdk import AgentDefinition, ClaudeAgentOptions

    home = tempfile.mkdtemp(dir=os.environ["SCENES"])
    return ClaudeAgentOptions(
        env={
            "ANTHROPIC_BASE_URL": model.anthropic,
            "ANTHROPIC_API_KEY": "sk-ant-scripted",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CONFIG_DIR": f"{home}/.claude",
            "HOME": home,
        },
        cwd=home,
        model="asked-for",
        setting_sources=[],
        system_prompt="You are a calculator.",
        mcp_servers={"calc": server(begun)},
        allowed_tools=["mcp__calc", "Bash", "Agent"],
        agents={"researcher": AgentDefinition(description="looks into it", prompt="You look into things.")},
        **more,
    )


async def ask(model: ScriptedModel, **more: Any) -> str | None:
    from claude_agent_sdk import ResultMessage, query

    said = None
    async for message in query(prompt=ASK, options=options(model, **more)):
        if isinstance(message, ResultMessage):
            said = message.result
    return said


@scenes.scene(Answer(calls=(Call("mcp__calc__add", {"a": 1, "b": 2}, "toolu_a"),)), Answer("it did not run"))
async def by_hand_at_the_gate(model: ScriptedModel) -> str | None:
    from muniment.agent.adapters.claude_agent import MunimentHooks

    return await ask(model, hooks=MunimentHooks(contents=False, mode="gate").hooks())


@scenes.scene()
def switched_on(model: ScriptedModel) -> bool:
    from muniment.agent.adapters.claude_agent import install

    return install() is install(contents=False)


@scenes.scene(
    TWO,
    FAIL,
    Answer(calls=(Call("Write", {"file_path": "/nowhere/x", "content": "x"}, "toolu_w"),)),
    Answer("three and seven"),
)
async def tools(model: ScriptedModel) -> str | None:
    async with muniment.intent("x.task"):
        return await ask(model)


@scenes.scene(
    Answer(
        calls=(
            Call(
                "Agent",
                {
                    "description": "d",
                    "prompt": "look into sums",
                    "subagent_type": "researcher",
                    "run_in_background": False,
                },
                "toolu_ag",
            ),
        ),
        when=ASK,
    ),
    Answer(calls=(Call("mcp__calc__add", {"a": 1, "b": 2}, "toolu_a"),), when="look into sums"),
    Answer("found three", when="look into sums"),
    Answer("three, they say"),
    Answer("overloaded", status=400, repeat=True),
)
async def conversation(model: ScriptedModel) -> list[str | None]:
    """A sub-agent works; then the model does not answer."""
    from claude_agent_sdk import ClaudeSDKClient, ResultMessage

    said = []
    async with ClaudeSDKClient(options(model)) as client:
        for prompt in (ASK, "go on"):
            await client.query(prompt)
            async for message in client.receive_response():
                if isinstance(message, ResultMessage):
                    said.append(message.result)
    return said


@scenes.scene(Answer(calls=(Call("mcp__calc__forever", {}, "toolu_f"),)), Answer("next", repeat=True))
async def cancelled_tool(model: ScriptedModel) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(ask(model, begun=begun))
    await begun.wait()
    task.cancel()
    await task


if __name__ == "__main__":
    scenes.play()
