from mlsys.sdk.client import Client as Client

__version__: str
