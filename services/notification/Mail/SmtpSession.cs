using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Rollcall.Notification.Mail;

/// <summary>One connection to the mail server, opened by the first mail and used for a batch.</summary>
public sealed class SmtpSession(MailOptions options) : IAsyncDisposable
{
    private readonly SmtpClient client = new() { Timeout = 30_000 };

    public async Task<MailOutcome> SendAsync(MimeMessage message, CancellationToken ct)
    {
        try
        {
            await ConnectAsync(ct);
            await client.SendAsync(message, ct);
            return new MailOutcome.Sent();
        }
        catch (SmtpCommandException e)
        {
            return Judge(e);
        }
        catch (Exception e) when (IsOutage(e) && !ct.IsCancellationRequested)
        {
            return new MailOutcome.Retry($"The mail server cannot be used ({e.GetType().Name})", ServerDown: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (client.IsConnected)
        {
            try
            {
                await client.DisconnectAsync(quit: true);
            }
            catch (Exception e) when (IsOutage(e) || e is SmtpCommandException)
            {
                // It was sent; how the connection ends no longer matters.
            }
        }

        client.Dispose();
    }

    private async Task ConnectAsync(CancellationToken ct)
    {
        if (client.IsConnected)
        {
            return;
        }

        await client.ConnectAsync(
            options.Host,
            options.Port,
            options.Security switch
            {
                MailSecurity.None => SecureSocketOptions.None,
                MailSecurity.StartTls => SecureSocketOptions.StartTls,
                MailSecurity.Tls => SecureSocketOptions.SslOnConnect,
                _ => throw new NotSupportedException($"Mail security {options.Security}"),
            },
            ct
        );
        if (options.User.Length > 0)
        {
            await client.AuthenticateAsync(options.User, options.Password, ct);
        }
    }

    /// <summary>A refused recipient or text stays refused; a refused sender or a busy server may be mended.</summary>
    private static MailOutcome Judge(SmtpCommandException e) =>
        (int)e.StatusCode >= 500
        && e.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted
            ? new MailOutcome.Rejected($"The mail server refused it for good ({e.ErrorCode}, {(int)e.StatusCode})")
            : new MailOutcome.Retry($"The mail server refused it for now ({e.ErrorCode}, {(int)e.StatusCode})");

    private static bool IsOutage(Exception e) =>
        e
            is SocketException
                or IOException
                or TimeoutException
                or ProtocolException
                or ServiceNotConnectedException
                or ServiceNotAuthenticatedException
                or MailKit.Security.AuthenticationException
                or SslHandshakeException
                or OperationCanceledException
                or NotSupportedException;
}

/// <summary>What the mail server made of a mail. Reasons never quote it: its texts hold addresses.</summary>
public abstract record MailOutcome
{
    public sealed record Sent : MailOutcome;

    public sealed record Rejected(string Reason) : MailOutcome;

    public sealed record Retry(string Reason, bool ServerDown = false) : MailOutcome;
}
