namespace Rollcall.GraphEmulator.SignIn;

/// <summary>The metadata documents sign-in libraries ask for.</summary>
public static class Discovery
{
    public static IResult OpenIdConfiguration(string tenant, HttpRequest request)
    {
        var authority = $"{request.Scheme}://{request.Host}/{tenant}";
        return Results.Json(
            new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["issuer"] = $"{authority}/v2.0",
                ["token_endpoint"] = $"{authority}/oauth2/v2.0/token",
                ["authorization_endpoint"] = $"{authority}/oauth2/v2.0/authorize",
                ["jwks_uri"] = $"{authority}/discovery/v2.0/keys",
                ["tenant_region_scope"] = "EU",
                ["cloud_instance_name"] = request.Host.Value ?? "",
                ["msgraph_host"] = request.Host.Value ?? "",
            }
        );
    }

    /// <summary>Access tokens are for Graph alone to check, so no keys are published.</summary>
    public static IResult Keys() => Results.Json(new { keys = Array.Empty<object>() });
}
