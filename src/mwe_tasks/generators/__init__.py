"""The doorway to the top-level folder `generators/`, whose modules each define one dataset and its task."""

from mwe_tasks.sources import shipped_folder

# In a wheel the modules stand beside this file already; in a checkout they are found at the top level.
__path__ = list(dict.fromkeys([*__path__, str(shipped_folder("generators"))]))
