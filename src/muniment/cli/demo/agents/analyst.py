"""The second agent, of Pydantic AI, in a process of its own: it is asked one question and has two tools.

python -m muniment.cli.demo.agents.analyst MODEL-URL REPOSITORY QUESTION
"""

import subprocess
import sys

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from muniment.agent.adapters.pydantic_ai import install


def analyse(model_url: str, repository: str, question: str) -> str:
    """Run the agent once; its last words."""

    def count_commits() -> int:
        """How many commits lead to where the repository is now."""
        command = ["git", "-C", repository, "rev-list", "--count", "HEAD"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    client = AsyncOpenAI(base_url=model_url, api_key="none", max_retries=0)
    model = OpenAIChatModel("analyst", provider=OpenAIProvider(openai_client=client))
    return Agent(model, name="analyst", tools=[count_commits]).run_sync(question).output


if __name__ == "__main__":
    install()
    print(analyse(*sys.argv[1:]))
