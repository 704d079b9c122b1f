using System.Text.RegularExpressions;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

/// <summary>What may stand in a brand: the values reach mails of all the MSP's clients.</summary>
public static partial class BrandRules
{
    public static void Apply(MspBrand brand, Brand change, string path)
    {
        switch (path)
        {
            case "sender_name":
                brand.SenderName = Line(
                    Requests.Text(change.SenderName, "brand.sender_name", 100),
                    "brand.sender_name"
                );
                break;
            case "from_address":
                brand.FromAddress = Address(change.FromAddress);
                break;
            case "primary_color":
                brand.PrimaryColor = Color(change.PrimaryColor, "brand.primary_color");
                break;
            case "text_color":
                brand.TextColor = Color(change.TextColor, "brand.text_color");
                break;
            case "logo_url":
                brand.LogoUrl = Url(change.LogoUrl, "brand.logo_url");
                break;
            case "training_url":
                brand.TrainingUrl = Url(change.TrainingUrl, "brand.training_url");
                break;
            case "footer":
                brand.Footer = Lines(change.Footer);
                break;
            case "support_contact":
                brand.SupportContact = Line(
                    MaxLength(change.SupportContact.Trim(), 200, "brand.support_contact"),
                    "brand.support_contact"
                );
                break;
            default:
                throw AppException.Invalid("update_mask", $"names {path}, which cannot be changed");
        }
    }

    private static string Color(string value, string field) =>
        ColorPattern().IsMatch(value) ? value : throw AppException.Invalid(field, "must be a colour such as #1f4e79");

    /// <summary>Empty or absolute https, without user, in a form that needs no escaping anywhere.</summary>
    public static string Url(string value, string field) =>
        value.Length == 0
        || (
            value.Length <= 500
            && UrlPattern().IsMatch(value)
            && Uri.TryCreate(value, UriKind.Absolute, out var uri)
            && uri is { Scheme: "https", UserInfo: "" }
        )
            ? value
            : throw AppException.Invalid(field, "must be an https URL of at most 500 characters");

    private static string Address(string value) =>
        value.Length == 0 ? ""
        : value.Length <= 254 && Recipient.Address(value) is { } address ? address
        : throw AppException.Invalid("brand.from_address", "must be a mail address");

    private static string Lines(string value)
    {
        foreach (var line in MaxLength(value.Trim(), 500, "brand.footer").Split('\n'))
        {
            Line(line, "brand.footer");
        }

        return value.Trim();
    }

    private static string Line(string value, string field) =>
        PlainText.Line(value, value.Length) == value.Trim()
            ? value
            : throw AppException.Invalid(field, "must not hold line breaks or control characters");

    private static string MaxLength(string value, int length, string field) =>
        value.Length <= length
            ? value
            : throw AppException.Invalid(field, $"must not be longer than {length} characters");

    // \z, not $: the latter lets a line break through.
    [GeneratedRegex(@"^#[0-9a-fA-F]{6}\z", RegexOptions.None, 1000)]
    private static partial Regex ColorPattern();

    [GeneratedRegex(@"^https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+\z", RegexOptions.None, 1000)]
    private static partial Regex UrlPattern();
}
