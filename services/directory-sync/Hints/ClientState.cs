using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Rollcall.DirectorySync.Hints;

/// <summary>
/// The secret of a subscription, which every genuine notification repeats. It has 256 random bits, so a plain hash of it
/// cannot be turned back.
/// </summary>
public static class ClientState
{
    public static (string Secret, byte[] Hash) New()
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        return (secret, Hash(secret));
    }

    /// <summary>In a time that does not depend on how much of it is right.</summary>
    public static bool IsGenuine(string presented, byte[]? hash) =>
        hash is not null && CryptographicOperations.FixedTimeEquals(Hash(presented), hash);

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
