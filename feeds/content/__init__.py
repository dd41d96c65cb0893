"""Files in: what is on disk, and what each file says. Knows folders, YAML and Markdown; knows no index and no format."""
