"""From a response with a file to complete, verified files."""
