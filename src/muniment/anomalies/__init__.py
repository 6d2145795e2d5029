"""What is unusual in a log: detectors over its small events, with thresholds that each tenant's own past gives.

Pure: values in, findings out. No clock, no database. What is learned lies in `memory` parts that are plain JSON, so
that a server keeps them as rows and an offline replay keeps them in a dictionary.
"""
