"""python -m integrator, and the console script."""

from integrator.cli import main

if __name__ == "__main__":
    main()
