using Rollcall.Local.Processes;

namespace Rollcall.Local.Servers;

/// <summary>Takes every mail over real SMTP and keeps it in a Maildir; sends none on.</summary>
public sealed class MailDrop(RunFolder folder, int port)
{
    // Debian's package is for Debian's Python, which need not be the first in PATH.
    private const string DebianPython = "/usr/bin/python3";

    public string Folder { get; } = folder.In("mail");

    public int Port => port;

    public ProcessSpec Process =>
        new(
            "mail",
            File.Exists(DebianPython) ? DebianPython : Programs.Find("python3"),
            "-m",
            "aiosmtpd",
            "-n",
            "-l",
            $"127.0.0.1:{port}",
            "-c",
            "aiosmtpd.handlers.Mailbox",
            Folder
        )
        {
            Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" },
            IsReadyAsync = ct => Tcp.AnswersAsync(port, "QUIT\r\n"u8.ToArray(), "220 "u8.ToArray(), ct),
        };
}
