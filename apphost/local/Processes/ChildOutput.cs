using System.Diagnostics;

namespace Rollcall.Local.Processes;

/// <summary>Copies what a child says, line by line, into its log file and to whoever shows it.</summary>
public static class ChildOutput
{
    private static readonly FileStreamOptions Appending = new()
    {
        Mode = FileMode.Append,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
    };

    /// <summary>Returns the exit code when the child and all who share its output have ended.</summary>
    public static async Task<int> CopyUntilExitAsync(Process child, string logFile, Action<string> show)
    {
        await using var log = new StreamWriter(logFile, Appending) { AutoFlush = true };
        child.OutputDataReceived += Write;
        child.ErrorDataReceived += Write;
        child.StandardInput.Close();
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        await child.WaitForExitAsync();
        return child.ExitCode;

        void Write(object sender, DataReceivedEventArgs received)
        {
            if (received.Data is { } line)
            {
                lock (log)
                {
                    log.WriteLine(line);
                }

                show(line);
            }
        }
    }

    /// <summary>The last lines of a log, for an error message.</summary>
    public static string Tail(string logFile) =>
        File.Exists(logFile) ? string.Join('\n', File.ReadLines(logFile).TakeLast(25)) : "(nothing)";
}
