using System.Globalization;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>
/// The keys in the folder Edge:SigningKeys, read at start. The signing key with the highest name signs, the others still
/// validate what they signed; --rotate-keys adds one. RSA, since a token is signed once and verified by every service
/// it meets, and RSA verifies fastest.
/// </summary>
public sealed class SigningKeys
{
    private const string FirstSigningKey = "signing-00000000T000000.pem";
    private const string EncryptionKeyFile = "encryption.key";

    private SigningKeys(IReadOnlyList<RsaSecurityKey> signing, SymmetricSecurityKey encryption)
    {
        Signing = signing;
        Encryption = encryption;
    }

    /// <summary>The first one signs.</summary>
    public IReadOnlyList<RsaSecurityKey> Signing { get; }

    /// <summary>For what only edge itself reads, such as authorization codes. Access tokens are not encrypted.</summary>
    public SymmetricSecurityKey Encryption { get; }

    public static SigningKeys Load(string folder)
    {
        Directory.CreateDirectory(folder);
        if (!SigningFiles(folder).Any())
        {
            Write(Path.Combine(folder, FirstSigningKey), NewSigningKey());
        }

        var encryption = Path.Combine(folder, EncryptionKeyFile);
        if (!File.Exists(encryption))
        {
            Write(encryption, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        }

        return new(
            [.. SigningFiles(folder).OrderDescending(StringComparer.Ordinal).Select(ReadSigningKey)],
            new(Convert.FromBase64String(File.ReadAllText(encryption)))
        );
    }

    /// <summary>Adds the key that signs from the next start on.</summary>
    public static void Rotate(string folder, TimeProvider clock)
    {
        Directory.CreateDirectory(folder);
        var time = clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture);
        Write(Path.Combine(folder, $"signing-{time}.pem"), NewSigningKey());
    }

    public static SigningKeys Load(IConfiguration configuration) => Load(configuration.Required("Edge:SigningKeys"));

    private static IEnumerable<string> SigningFiles(string folder) => Directory.EnumerateFiles(folder, "signing-*.pem");

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
    private static void Write(string file, string text)
    {
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
