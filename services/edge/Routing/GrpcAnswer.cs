using System.Globalization;
using System.Text;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>A gRPC answer without a message: the status, with its google.rpc details, in the response headers alone.</summary>
public static class GrpcAnswer
{
    private const string Details = "grpc-status-details-bin";

    public static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true
        && !request.ContentType.StartsWith("application/grpc-web", StringComparison.OrdinalIgnoreCase);

    public static Task WriteAsync(HttpContext http, AppException error)
    {
        var rpc = ErrorInterceptor.ToRpcException(error);
        var response = http.Response;
        response.Clear();
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)error.Code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Escape(error.Message);
        response.Headers[Details] = Convert.ToBase64String(rpc.Trailers.GetValueBytes(Details)!);
        return response.CompleteAsync();
    }

    /// <summary>https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: printable ASCII but %, the rest as UTF-8 bytes.</summary>
    private static string Escape(string message)
    {
        var text = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(message))
        {
            if (value is >= 0x20 and <= 0x7E and not (byte)'%')
            {
                text.Append((char)value);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            }
        }

        return text.ToString();
    }
}
