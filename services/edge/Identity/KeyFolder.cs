using System.Globalization;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Rollcall.Edge;

/// <summary>One moment's keys. The first signing key signs; the encryption key is for what only edge reads.</summary>
public sealed record KeySet(IReadOnlyList<RsaSecurityKey> Signing, SymmetricSecurityKey Encryption);

/// <summary>
/// Edge's keys as files that all its instances share. RSA, since a token is signed once and verified by every service it
/// meets, and RSA verifies fastest.
/// </summary>
public sealed class KeyFolder(string path)
{
    /// <summary>A new key is published this long before it signs, so that every instance of edge knows it by then.</summary>
    public static readonly TimeSpan Lead = TimeSpan.FromMinutes(2);

    private const string TimeFormat = "yyyyMMdd'T'HHmmss";
    private const string Prefix = "signing-";

    /// <summary>The same name whichever instance makes it: two that start at once agree on one key.</summary>
    private const string FirstSigningKey = Prefix + "00010101T000000.pem";

    private const string EncryptionKey = "encryption.key";

    /// <summary>Makes what is missing on the first start.</summary>
    public void Fill()
    {
        Directory.CreateDirectory(path);
        if (!Directory.EnumerateFiles(path, Prefix + "*.pem").Any())
        {
            Write(FirstSigningKey, NewSigningKey());
        }

        if (!File.Exists(Path.Combine(path, EncryptionKey)))
        {
            Write(EncryptionKey, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        }
    }

    /// <summary>Adds a signing key.</summary>
    public void Rotate(DateTimeOffset now)
    {
        Fill();
        Write($"{Prefix}{now.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}.pem", NewSigningKey());
    }

    /// <summary>The newest key whose time has come first, then the others, newest first.</summary>
    public KeySet Read(DateTimeOffset now)
    {
        var files = Directory
            .EnumerateFiles(path, Prefix + "*.pem")
            .OrderByDescending(MadeAt)
            .ThenByDescending(f => f, StringComparer.Ordinal)
            .ToList();
        var signer = files.Find(f => MadeAt(f) + Lead <= now) ?? files[^1];
        return new(
            [ReadSigningKey(signer), .. files.Where(f => f != signer).Select(ReadSigningKey)],
            new(Convert.FromBase64String(File.ReadAllText(Path.Combine(path, EncryptionKey))))
        );
    }

    /// <summary>A key somebody brought under a name of their own counts as old.</summary>
    private static DateTimeOffset MadeAt(string file) =>
        DateTimeOffset.TryParseExact(
            Path.GetFileNameWithoutExtension(file)[Prefix.Length..],
            TimeFormat,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time
            : DateTimeOffset.MinValue;

    private static string NewSigningKey()
    {
        using var rsa = RSA.Create(2048);
        return rsa.ExportPkcs8PrivateKeyPem();
    }

    private static RsaSecurityKey ReadSigningKey(string file)
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(File.ReadAllText(file));
        var key = new RsaSecurityKey(rsa);
        key.KeyId = Base64UrlEncoder.Encode(key.ComputeJwkThumbprint());
        return key;
    }

    /// <summary>Whole or not at all, readable by this account only; another instance may have been first.</summary>
    private void Write(string name, string text)
    {
        var file = Path.Combine(path, name);
        var draft = $"{file}.{Guid.CreateVersion7():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var writer = new StreamWriter(draft, options))
        {
            writer.Write(text);
        }

        try
        {
            File.Move(draft, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(draft);
        }
    }
}
