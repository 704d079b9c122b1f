using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using OpenIddict.Server;

namespace Rollcall.Edge;

/// <summary>
/// The keys in use. The folder is read again every few seconds, so that a key added to it is published and, a little
/// later, signs without a restart; a folder that cannot be read changes nothing.
/// </summary>
public sealed partial class SigningKeys : BackgroundService, IOptionsChangeTokenSource<OpenIddictServerOptions>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private readonly KeyFolder folder;
    private readonly ILogger<SigningKeys> logger;
    private CancellationTokenSource changed = new();

    public SigningKeys(KeyFolder folder, ILogger<SigningKeys> logger)
    {
        this.folder = folder;
        this.logger = logger;
        folder.Fill();
        Current = folder.Read(TimeProvider.System.GetUtcNow());
    }

    public KeySet Current { get; private set; }

    /// <summary>OpenIddict's options are made anew when the keys change.</summary>
    public string Name => Options.DefaultName;

    public IChangeToken GetChangeToken() => new CancellationChangeToken(changed.Token);

    /// <summary>Reads the folder as of the time.</summary>
    public void Refresh(DateTimeOffset now)
    {
        var found = folder.Read(now);
        if (Ids(found).SequenceEqual(Ids(Current), StringComparer.Ordinal))
        {
            return;
        }

        Current = found;
        LogChange(found.Signing[0].KeyId, found.Signing.Count);
        using var old = Interlocked.Exchange(ref changed, new());
        old.Cancel();
    }

    public override void Dispose()
    {
        changed.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                // The lead of a key is real time, like the tokens it signs.
                Refresh(TimeProvider.System.GetUtcNow());
            }
            catch (Exception e)
                when (e
                        is IOException
                            or UnauthorizedAccessException
                            or CryptographicException
                            or ArgumentException
                            or FormatException
                )
            {
                LogUnreadable(e);
            }
        }
    }

    private static IEnumerable<string> Ids(KeySet keys) => keys.Signing.Select(k => k.KeyId);

    [LoggerMessage(Level = LogLevel.Information, Message = "Key {KeyId} signs; {Count} keys are published")]
    private partial void LogChange(string keyId, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "The signing keys can't be read; those known stay in use")]
    private partial void LogUnreadable(Exception e);
}
