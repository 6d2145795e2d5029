"""`python -m muniment` is the `muniment` command."""

from muniment.cli.main import main

main()
