"""The first agent, of the OpenAI Agents SDK: asks an MCP server, and hands a question on to a second agent.

    python -m muniment.cli.demo.agents.planner MODEL-URL REPOSITORY POLICY

What makes it recorded is `install()`, the words `muniment mcp --` before the server's command, and the meta data by
which the recorder of the MCP server learns which step of the agent a call belongs to.
"""

import asyncio
import os
import subprocess
import sys

from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from agents.mcp import MCPServerStdio
from agents.tracing import set_trace_processors
from openai import AsyncOpenAI

import muniment
from muniment.agent.adapters.openai_agents import install


async def plan(model_url: str, repository: str, policy: str) -> str:
    """Run the agent once; its last words."""

    @function_tool
    def ask_analyst(question: str) -> str:
        """Hand a question on to the analyst, who is another program."""
        done = subprocess.run(
            [sys.executable, "-m", "muniment.cli.demo.agents.analyst", model_url, repository, question],
            env={**os.environ, **muniment.handover(), "MUNIMENT_AGENT": "analyst-01"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    server = MCPServerStdio(
        params={
            "command": sys.executable,
            "args": [
                *("-m", "muniment", "mcp", "--agent", "planner-01", "--workspace", "demo", "--policy", policy, "--"),
                *(sys.executable, "-m", "mcp_server_git", "--repository", repository),
            ],
            "env": dict(os.environ),
        },
        client_session_timeout_seconds=30,
        tool_meta_resolver=lambda _: muniment.handover_meta(),
    )
    async with server:
        model = OpenAIChatCompletionsModel("planner", AsyncOpenAI(base_url=model_url, api_key="none", max_retries=0))
        agent = Agent(name="planner", model=model, tools=[ask_analyst], mcp_servers=[server])
        done = await Runner.run(
            agent, "What is the state of this repository, and is it safe to tidy up?", run_config=RunConfig()
        )
        return str(done.final_output)


if __name__ == "__main__":
    # Its own processor would send traces to the vendor.
    set_trace_processors([])
    install()
    print(asyncio.run(plan(*sys.argv[1:])))
