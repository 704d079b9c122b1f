using System.Globalization;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Reminders;
using Rollcall.Platform;

namespace Rollcall.Notification.Mail;

/// <summary>Everything a template may show, and nothing else. All of it is text of other people: one line, no control characters.</summary>
public sealed record MailContent
{
    public required Guid DeliveryId { get; init; }
    public required string Address { get; init; }
    public required string PersonName { get; init; }
    public required string CompanyName { get; init; }
    public required string SenderName { get; init; }
    public required bool IsReminder { get; init; }
    public required List<MailCourse> Courses { get; init; }
    public required string PrimaryColor { get; init; }
    public required string TextColor { get; init; }
    public required string LogoUrl { get; init; }
    public required string TrainingUrl { get; init; }
    public required List<string> FooterLines { get; init; }
    public required string SupportContact { get; init; }

    public string Heading =>
        (IsReminder, Courses) switch
        {
            (false, [var course]) => $"New training: {course.Title}",
            (false, _) => $"{Courses.Count} new trainings for you",
            (true, [{ Overdue: true } course]) => $"Overdue: {course.Title}",
            (true, [var course]) => $"Reminder: {course.Title}",
            (true, _) => $"Reminder: {Courses.Count} trainings are waiting for you",
        };

    public static MailContent From(
        MailDelivery delivery,
        MailFacts facts,
        IReadOnlyList<MailTopicFacts> topics,
        MspBrand brand,
        ClientInfo? client
    )
    {
        var zone = ReminderHours.Zone(client?.TimeZone);
        var person = facts.Person!;
        return new()
        {
            DeliveryId = delivery.Id,
            Address = person.Mail,
            PersonName = PlainText.Line(person.GivenName is { Length: > 0 } given ? given : person.DisplayName, 100),
            CompanyName = PlainText.Line(client?.DisplayName ?? "", 200),
            SenderName = PlainText.Line(brand.SenderName, 100),
            IsReminder = delivery.Kind == DeliveryKind.Reminder,
            Courses = [.. topics.Select(t => Course(t.Task!, zone, facts.Now))],
            PrimaryColor = brand.PrimaryColor,
            TextColor = brand.TextColor,
            LogoUrl = brand.LogoUrl,
            TrainingUrl = brand.TrainingUrl,
            FooterLines = [.. brand.Footer.Split('\n').Select(l => PlainText.Line(l, 500)).Where(l => l.Length > 0)],
            SupportContact = PlainText.Line(brand.SupportContact, 200),
        };
    }

    private static MailCourse Course(TrainingTask task, TimeZoneInfo zone, DateTimeOffset now) =>
        new(
            PlainText.Line(task.CourseTitle, 200),
            task.DueAt is { } due
                ? TimeZoneInfo.ConvertTime(due, zone).ToString("d MMMM yyyy", CultureInfo.InvariantCulture)
                : "",
            task.DueAt < now
        );
}

/// <summary>A course in a mail. An empty due day: it has none.</summary>
public sealed record MailCourse(string Title, string DueDay, bool Overdue);
