"""What tests share: workspaces with small, real content."""
