"""From a request's items to the messages of a chat template, and to the prompt."""
