"""What is asked: the questions, the answers given with a command, the wizard."""
