"""The command line of the project."""

from fourhats_runtime.cli import command_line

from .project import project

main = command_line(project)

if __name__ == "__main__":
    main()
