"""The third-party engines, each in its one module, behind contracts of ours."""
