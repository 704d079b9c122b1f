using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace Rollcall.Platform;

/// <summary>Reads request fields, or throws the INVALID_ARGUMENT that names the field.</summary>
public static class Requests
{
    public const int DefaultPageSize = 100;
    public const int MaxPageSize = 500;

    public static Guid Id(string value, string field) =>
        Guid.TryParse(value, out var id) ? id : throw AppException.Invalid(field, "must be a UUID");

    public static Guid? OptionalId(string value, string field) => value.Length == 0 ? null : Id(value, field);

    public static string Text(string value, string field, int maxLength = 200) =>
        value.Trim() switch
        {
            "" => throw AppException.Invalid(field, "is required"),
            { Length: var length } when length > maxLength => throw AppException.Invalid(
                field,
                $"must not be longer than {maxLength} characters"
            ),
            var text => text,
        };

    public static DateTimeOffset Time(Timestamp? value, string field)
    {
        try
        {
            return value?.ToDateTimeOffset() ?? throw AppException.Invalid(field, "is required");
        }
        catch (InvalidOperationException)
        {
            throw AppException.Invalid(field, "is no valid time");
        }
    }

    /// <summary>A calendar day as yyyy-MM-dd.</summary>
    public static DateOnly Day(string value, string field) =>
        DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw AppException.Invalid(field, "must be a day such as 2026-01-31");

    public static int PageSize(int value) =>
        value switch
        {
            < 0 => throw AppException.Invalid("page_size", "must not be negative"),
            0 => DefaultPageSize,
            _ => Math.Min(value, MaxPageSize),
        };
}
