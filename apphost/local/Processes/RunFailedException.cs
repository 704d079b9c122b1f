namespace Rollcall.Local.Processes;

/// <summary>Something the person at the terminal can act on: shown as one line, without a stack.</summary>
public sealed class RunFailedException(string message) : Exception(message);
