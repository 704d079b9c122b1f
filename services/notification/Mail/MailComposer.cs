using System.Text;
using Microsoft.Extensions.Options;
using MimeKit;
using Rollcall.Notification.Data;

namespace Rollcall.Notification.Mail;

/// <summary>Makes the message. Other people's text is encoded for where it lands, and reaches headers through MimeKit's encoding.</summary>
public sealed class MailComposer(IOptions<MailOptions> options)
{
    public MimeMessage Compose(MailContent content, MspBrand brand)
    {
        var message = new MimeMessage { Subject = content.Heading, MessageId = MessageId(content.DeliveryId) };
        message.From.Add(new MailboxAddress(Encoding.UTF8, content.SenderName, FromAddress(brand)));
        message.To.Add(new MailboxAddress(Encoding.UTF8, content.PersonName, content.Address));

        // Out-of-office answers to a machine help nobody (RFC 3834).
        message.Headers.Add("Auto-Submitted", "auto-generated");
        message.Body = new BodyBuilder
        {
            TextBody = MailLayout.Text(content),
            HtmlBody = MailLayout.Page(content).ToString(),
        }.ToMessageBody();
        return message;
    }

    /// <summary>Made from the mail's id alone, so that every attempt carries the same one.</summary>
    public string MessageId(Guid deliveryId) => $"{deliveryId:N}@{options.Value.From.Split('@')[1]}";

    private string FromAddress(MspBrand brand) => brand.FromAddress is { Length: > 0 } own ? own : options.Value.From;
}
