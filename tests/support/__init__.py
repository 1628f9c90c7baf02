"""What several folders of tests share; README.md says what is where."""
