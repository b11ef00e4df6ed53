"""The parts of the chat: the list of conversations, the thread, a message, the composer."""
