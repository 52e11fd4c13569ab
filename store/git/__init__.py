"""The bare repository: reading by id, one commit path, one ref."""
