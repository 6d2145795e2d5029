"""What policies, assets and remediation share: texts, codes, and keeping a version with its entry."""
