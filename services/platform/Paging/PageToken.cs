using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Rollcall.Platform;

/// <summary>
/// Opaque page tokens: the last key of a page, bound to the query it belongs to, so that a token cannot be replayed
/// against another filter.
/// </summary>
public static class PageToken
{
    private const int HashLength = 8;

    public static string Write<TRequest>(string lastKey, TRequest request)
        where TRequest : IMessage<TRequest> =>
        Base64Url.EncodeToString([.. Hash(request), .. Encoding.UTF8.GetBytes(lastKey)]);

    /// <summary>The key the page starts after; null for the first page.</summary>
    public static string? Read<TRequest>(string token, TRequest request)
        where TRequest : IMessage<TRequest>
    {
        if (token.Length == 0)
        {
            return null;
        }

        if (!Base64Url.IsValid(token))
        {
            throw AppException.Invalid("page_token", "was not made by this service");
        }

        var bytes = Base64Url.DecodeFromChars(token);
        return bytes.Length > HashLength && bytes.AsSpan(0, HashLength).SequenceEqual(Hash(request))
            ? Encoding.UTF8.GetString(bytes.AsSpan(HashLength))
            : throw AppException.Invalid("page_token", "belongs to another query; start from the first page");
    }

    public static Guid? ReadId<TRequest>(string token, TRequest request)
        where TRequest : IMessage<TRequest> => Read(token, request) is { } key ? Requests.Id(key, "page_token") : null;

    private static byte[] Hash<TRequest>(TRequest request)
        where TRequest : IMessage<TRequest>
    {
        // The token and the page's size may differ from page to page; everything else makes it another query.
        var query = request.Clone();
        foreach (var field in query.Descriptor.Fields.InFieldNumberOrder())
        {
            if (field.Name is "page_token" or "page_size")
            {
                field.Accessor.Clear(query);
            }
        }

        return SHA256.HashData([.. Encoding.UTF8.GetBytes(query.Descriptor.FullName), .. query.ToByteArray()])[
            ..HashLength
        ];
    }
}
