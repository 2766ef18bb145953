"""The application: registry, settings of the framework, routes, processes, command line. It alone knows every room."""
