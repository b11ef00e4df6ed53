"""What clients ask for beside chat, one file each; all but embeddings are relayed only."""
