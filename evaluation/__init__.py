"""How good naming is: hits counted under a budget, baselines beside the model, on simulated cities."""
