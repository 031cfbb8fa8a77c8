"""What `import hilum` gives: a function for each command, and a view of what it made for a notebook."""
