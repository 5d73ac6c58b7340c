"""`mwe models`: the models that need no service."""

import click


@click.command()
def models() -> None:
    """List the models that run on this machine without a service.

    Beside them stand any GGUF file (gguf/PATH.gguf, gguf/hf:ORG/REPO/FILE.gguf@REVISION), any causal checkpoint
    (mwe-hf/ORG/NAME), every provider of Inspect, and the SIMULATED controls sim/TRUTH-SIZE, which are formulas and
    no language models.

    \b
    Example:
      mwe models
    """
    from mwe_tasks.weights import known_weights

    for weights in known_weights():
        state = str(weights.where) if weights.present else f"absent; install with: {weights.install}"
        click.echo(f"{weights.name}  {weights.size / 1e6:.0f} MB  {state}")
    click.echo("gguf/PATH.gguf  any GGUF file of yours")
    click.echo("gguf/hf:ORG/REPO/FILE.gguf@REVISION  a GGUF file on the Hugging Face Hub, downloaded once")
    click.echo("mwe-hf/FOLDER, mwe-hf/FILE.gguf  a causal checkpoint on this machine (pip install 'mwe-tasks[hf]')")
    click.echo("mwe-hf/ORG/NAME  a causal checkpoint on the Hugging Face Hub, downloaded once; -M revision=step1000")
    click.echo("sim/TRUTH-SIZE  SIMULATED: a formula with a known truth, such as sim/appeal-up-1b")
