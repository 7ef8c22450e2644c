"""Nothing: environments installed before ``blackbox_repo.pytest_plugin`` ask for this module."""
