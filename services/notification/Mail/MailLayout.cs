namespace Rollcall.Notification.Mail;

/// <summary>The mail as people see it: one layout for all, in which the brand has fixed places.</summary>
public static class MailLayout
{
    public static string Text(MailContent mail)
    {
        List<string> lines =
        [
            $"Hello {mail.PersonName},",
            "",
            Opening(mail),
            "",
            .. mail.Courses.Select(c => $"- {c.Title}{Due(c)}"),
            "",
            .. mail.TrainingUrl.Length > 0 ? [mail.TrainingUrl, ""] : Array.Empty<string>(),
            "-- ",
            mail.SenderName,
            .. mail.SupportContact.Length > 0 ? [Support(mail)] : Array.Empty<string>(),
            .. mail.FooterLines,
        ];
        return string.Join("\r\n", lines) + "\r\n";
    }

    public static Html Page(MailContent mail) =>
        Html.Of(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{mail.Heading}</title>
            </head>
            <body style="margin:0;padding:24px;background:#f4f5f7;font-family:Segoe UI,Helvetica,Arial,sans-serif;color:#1b1b1b">
            <table role="presentation" style="max-width:600px;width:100%;margin:0 auto;background:#ffffff;border-collapse:collapse">
            <tr><td style="padding:20px 24px;background:{mail.PrimaryColor};color:{mail.TextColor};font-size:18px">
            {Logo(mail)}{mail.SenderName}
            </td></tr>
            <tr><td style="padding:24px;font-size:15px;line-height:1.5">
            <p>Hello {mail.PersonName},</p>
            <p>{Opening(mail)}</p>
            <ul>
            {Html.Join(mail.Courses.Select(Course))}
            </ul>
            {Button(mail)}
            </td></tr>
            <tr><td style="padding:16px 24px;font-size:12px;color:#5b5b5b;border-top:1px solid #e3e3e3">
            {Html.If(mail.SupportContact, () => Html.Of($"<p>{Support(mail)}</p>\n"))}
            {Html.Join(mail.FooterLines.Select(line => Html.Of($"<p style=\"margin:0\">{line}</p>\n")))}
            </td></tr>
            </table>
            </body>
            </html>
            """
        );

    private static Html Logo(MailContent mail) =>
        Html.If(
            mail.LogoUrl,
            () =>
                Html.Of(
                    $"""<img src="{mail.LogoUrl}" alt="" height="32" style="vertical-align:middle;margin-right:12px">"""
                )
        );

    private static Html Course(MailCourse course) =>
        Html.Of($"<li><strong>{course.Title}</strong>{Due(course)}</li>\n");

    private static Html Button(MailContent mail) =>
        Html.If(
            mail.TrainingUrl,
            () =>
                Html.Of(
                    $"""
                    <p><a href="{mail.TrainingUrl}"
                    style="display:inline-block;padding:10px 18px;background:{mail.PrimaryColor};color:{mail.TextColor}"
                    >Go to the training</a></p>
                    """
                )
        );

    private static string Opening(MailContent mail) =>
        (mail.IsReminder, mail.CompanyName) switch
        {
            (true, "") => "a reminder of the training you have not finished yet:",
            (true, var company) => $"a reminder of the training at {company} you have not finished yet:",
            (false, "") => "please complete this training:",
            (false, var company) => $"{company} asks you to complete this training:",
        };

    private static string Due(MailCourse course) =>
        course switch
        {
            { DueDay: "" } => "",
            { Overdue: true } => $", was due on {course.DueDay}",
            _ => $", due on {course.DueDay}",
        };

    private static string Support(MailContent mail) => $"Questions? {mail.SupportContact}";
}
