"""What OpenTelemetry exporters send (OTLP/HTTP), mapped to events and appended like any other submission."""
