"""From a model's tokens to items and events: the one pipeline that every answer is a fold of."""
