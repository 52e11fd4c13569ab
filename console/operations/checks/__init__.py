"""What `lockgate check` looks at: `files` one by one, `links` between them, and their `past`."""
