"""`mwe card`: the README.md of a dataset folder."""

import click


@click.command()
@click.argument("dataset")
@click.option("--replace", is_flag=True, help="Replace a README.md that `mwe card` did not write.")
def card(dataset: str, replace: bool) -> None:
    """Write a dataset folder's card: its README.md, and the figure in it, from the folder's own files.

    DATASET is a name in datasets/ or a dataset folder. What the files cannot tell (what is measured, how it was
    written, licence and tags) is taken from sources/about.md in the folder: sections by heading, each put into
    the card. The same files give the same card.

    \b
    Examples:
      mwe card datasets/my_behaviour
      mwe card sycophantic_yesno
    """
    from mwe_tasks.card import write_card
    from mwe_tasks.fitness import folder_of

    folder = folder_of(dataset)
    changed = write_card(folder, replace=replace)
    click.echo(f"{folder / 'README.md'}: {'written' if changed else 'nothing has changed'}.")
