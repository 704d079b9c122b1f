using System.ComponentModel.DataAnnotations;

namespace Rollcall.Notification.Mail;

/// <summary>The mail server, and how mails are gathered and retried.</summary>
public sealed class MailOptions
{
    [Required]
    public string Host { get; set; } = "";

    [Range(1, 65535)]
    public int Port { get; set; } = 587;

    /// <summary>Empty: no sign-in.</summary>
    public string User { get; set; } = "";
    public string Password { get; set; } = "";

    /// <summary>None, StartTls (required) or Tls (from the first byte).</summary>
    public MailSecurity Security { get; set; } = MailSecurity.None;

    /// <summary>Sender of MSPs whose brand names none. Its domain also ends every Message-ID.</summary>
    [Required, EmailAddress]
    public string From { get; set; } = "training@rollcall.example";

    /// <summary>How long a new mail waits for more assignments of the same person.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Gather { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the sender looks for mail that is due.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);
}

public enum MailSecurity
{
    None,
    StartTls,
    Tls,
}
