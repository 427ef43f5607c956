"""What a model is: the language side (tokenizer, chat template; no torch) and the network side
(weights, attention).

Import the modules directly: this file imports nothing, so that the language side never loads torch.
"""
