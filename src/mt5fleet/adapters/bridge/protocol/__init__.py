"""The wire of the bridge: `bridge.proto` (workers to bridge), `child.proto` (bridge to its children)."""
