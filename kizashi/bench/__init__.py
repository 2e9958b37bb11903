"""``kizashi bench``: the chain measured on this machine, beside a plain chain in the same run."""
